with corrections as (

    select * from {{ ref('base_corrections') }}

),

effects as (

    select * from {{ ref('base_correction_effects') }}

),

contract_columns as (
{{ contract_columns_relation() }}
),

effects_of_corrections as (

    select
        correction_id,
        max(case when is_too_large then 1 else 0 end) as is_too_large,
        max(case when is_in_force then 1 else 0 end) as is_in_force,
        sum(case when is_in_force then record_count else 0 end) as records_changed
    from effects
    group by correction_id

),

judged as (

    select
        corrections.*,
        contract_columns.column_name is not null
        and contract_columns.column_name not in ('email_hash', 'phone_hash') as is_value_shown,
        coalesce(effects_of_corrections.is_in_force, 0) as is_in_force,
        coalesce(effects_of_corrections.records_changed, 0) as records_changed,
        case
            when corrections.problem is not null
                then corrections.problem
            when
                effects_of_corrections.correction_id is null
                and corrections.dataset = 'order_lines'
                then
                    'no order and no line has this key; name an order by its order_id, a line by '
                    || 'order_id/line_number as core.fct_order_lines shows them'
            when effects_of_corrections.correction_id is null
                then
                    'no record of ' || corrections.dataset
                    || ' has this key; name one that is there'
            when effects_of_corrections.is_too_large = 1
                then
                    'with it, or together with another correction of its line, quantity times '
                    || 'price would reach 1000000000000; give smaller values'
        end as record_problem
    from corrections
    left join effects_of_corrections
        on corrections.correction_id = effects_of_corrections.correction_id
    left join contract_columns
        on
            corrections.dataset = contract_columns.dataset
            and corrections.column_name = contract_columns.column_name

)

select
    correction_id,
    dataset,
    record_key,
    action,
    column_name,
    case
        when column_value is null or is_value_shown then column_value
        else 'not shown'
    end as column_value,
    reason,
    author,
    corrected_at,
    case
        when record_problem is not null then 'rejected'
        when is_in_force = 1 then 'applied'
        else 'superseded'
    end as status,
    record_problem as problem,
    cast(records_changed as bigint) as records_changed
from judged
