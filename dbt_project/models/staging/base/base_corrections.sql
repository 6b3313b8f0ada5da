-- Each correction by itself: whether it says something that can be done, whatever the records are.

{{ config(materialized='table') }}

with corrections as (

    select * from {{ ref('stg_corrections') }}

),

contract_columns as (
{{ contract_columns_relation() }}
),

datasets as (
{{ correctable_datasets_relation() }}
),

-- The same correction may land more than once, in files that repeat each other.
landed as (

    select
        correction_id,
        dataset,
        record_key,
        action,
        reason,
        author,
        corrected_at,
        column_name,
        column_value
    from corrections
    group by
        correction_id, dataset, record_key, action, reason, author, corrected_at, column_name,
        column_value

),

versions as (

    select
        *,
        count(*) over (partition by correction_id) as version_count,
        row_number() over (
            partition by correction_id
            order by
                corrected_at, dataset, record_key, action, column_name nulls last,
                column_value nulls last, reason, author
        ) as version_number
    from landed

),

described as (

    select
        versions.*,
        datasets.key_name,
        datasets.settable_columns,
        contract_columns.kind,
        contract_columns.column_use,
        contract_columns.accepted_values,
        contract_columns.minimum,
        contract_columns.maximum,
        {{ value_of_text('versions.column_value', 'timestamp') }} as timestamp_value,
        case contract_columns.kind
            when 'money'
                then cast({{ value_of_text('versions.column_value', 'money') }} as double)
            when 'whole'
                then cast({{ value_of_text('versions.column_value', 'whole') }} as double)
            when 'number'
                then {{ value_of_text('versions.column_value', 'number') }}
        end as number_value
    from versions
    left join datasets
        on versions.dataset = datasets.dataset
    left join contract_columns
        on
            versions.dataset = contract_columns.dataset
            and versions.column_name = contract_columns.column_name
    where versions.version_number = 1

),

judged as (

    select
        *,
        case
            when version_count > 1
                then
                    cast(version_count as varchar)
                    || ' different corrections carry this id; give each an id of its own'
            when key_name is null
                then
                    'no dataset "' || dataset || '" can be corrected; name one of '
                    || '{{ contract_columns() | map(attribute=0) | unique | join(", ") }}'
            when action not in ('set', 'delete')
                then 'the action is neither set nor delete'
            when action = 'delete' and (column_name is not null or column_value is not null)
                then
                    'delete removes whole records; leave column and value empty, or use set to '
                    || 'change one column'
            when action = 'delete'
                then null
            when column_name is null
                then 'set needs a column; name one of ' || settable_columns
            when column_use is null
                then
                    dataset || ' has no column "' || column_name || '"; name one of '
                    || settable_columns
            when column_use = 'key'
                then
                    column_name || ' is part of the key and stays; delete the record and land it '
                    || 'anew under the right key'
            when column_value is null and column_use = 'required'
                then column_name || ' cannot be empty; give a value'
            when column_value is null
                then null
            when
                accepted_values <> ''
                and (
                    position(',' in column_value) > 0
                    or position(
                        ', ' || lower(column_value) || ',' in ', ' || accepted_values || ','
                    ) = 0
                )
                then '"' || column_value || '" is not one of ' || accepted_values
            when kind = 'timestamp' and timestamp_value is null
                then
                    '"' || column_value || '" is not a moment; write it as 2024-03-31 18:05:00, '
                    || 'in UTC or with its offset'
            when
                kind = 'timestamp'
                and (
                    timestamp_value < cast('1990-01-01' as timestamp)
                    or timestamp_value >= cast('2100-01-01' as timestamp)
                )
                then '"' || column_value || '" does not lie in the years 1990 to 2099'
            when kind = 'whole' and number_value is null
                then '"' || column_value || '" is not a whole number; write it as 12 or -12'
            when kind in ('money', 'number') and number_value is null
                then '"' || column_value || '" is not a number; write it as 1234.5'
            when
                kind in ('whole', 'money', 'number')
                and not (number_value >= minimum and number_value <= maximum)
                then
                    '"' || column_value || '" does not lie between ' || cast(minimum as varchar)
                    || ' and ' || cast(maximum as varchar) || '; give a value that does'
        end as problem
    from described

)

select
    correction_id,
    dataset,
    record_key,
    {#- The order and the line that the key names, if it is not an order id as a whole. #}
    case
        when dataset = 'order_lines'
            then nullif(regexp_extract(record_key, '^(.*)/([0-9]{1,18})$', 1), '')
    end as line_order_id,
    case
        when dataset = 'order_lines'
            then cast(
                nullif(regexp_extract(record_key, '^(.*)/([0-9]{1,18})$', 2), '') as bigint
            )
    end as line_number,
    action,
    column_name,
    column_value,
    reason,
    author,
    corrected_at,
    problem
from judged
