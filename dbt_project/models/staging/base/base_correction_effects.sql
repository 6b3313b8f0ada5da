-- What each correction does to each record that it names, and which of them is in force: the
-- latest by moment, then by id. Of an order's and its lines' corrections of a column the latest
-- counts; records are deleted while the latest correction of their own key, or of their order's
-- key, is a delete.

{{ config(materialized='table') }}

with corrections as (

    select * from {{ ref('base_corrections') }}
    where problem is null

),

records as (

    select * from {{ ref('base_corrected_records') }}

),

orders as (

    select order_id
    from records
    where dataset = 'order_lines'
    group by order_id

),

named as (

    select
        corrections.*,
        case
            when corrections.dataset <> 'order_lines' then 'record'
            when orders.order_id is not null then 'order'
            else 'line'
        end as key_level
    from corrections
    left join orders
        on
            corrections.dataset = 'order_lines'
            and corrections.record_key = orders.order_id

),

matched as (

    select
        named.*,
        records.corrected_key,
        records.record_count,
        records.largest_quantity,
        records.largest_price
    from named
    inner join records
        on
            named.dataset = records.dataset
            and named.record_key = records.corrected_key
    where named.key_level = 'record'
    union all
    select
        named.*,
        records.corrected_key,
        records.record_count,
        records.largest_quantity,
        records.largest_price
    from named
    inner join records
        on
            named.dataset = records.dataset
            and named.record_key = records.order_id
    where named.key_level = 'order'
    union all
    select
        named.*,
        records.corrected_key,
        records.record_count,
        records.largest_quantity,
        records.largest_price
    from named
    inner join records
        on
            named.dataset = records.dataset
            and named.line_order_id = records.order_id
            and named.line_number = records.line_number
    where named.key_level = 'line'

),

valued as (

    select
        *,
        case
            when dataset = 'order_lines' and column_name = 'quantity'
                then cast(abs({{ value_of_text('column_value', 'whole') }}) as decimal(18, 0))
        end as set_quantity,
        case
            when dataset = 'order_lines' and column_name = 'unit_price'
                then {{ value_of_text('column_value', 'money') }}
        end as set_price
    from matched

),

-- The largest amount that any choice among the corrections of a line could give it.
bounded as (

    select
        *,
        coalesce(set_quantity, greatest(
            largest_quantity,
            coalesce(max(set_quantity) over (partition by dataset, corrected_key), 0)
        )) * coalesce(set_price, greatest(
            largest_price,
            coalesce(max(set_price) over (partition by dataset, corrected_key), 0)
        )) as largest_amount
    from valued

),

limited as (

    select
        *,
        max(case
            when
                (set_quantity is not null or set_price is not null)
                and largest_amount >= 1000000000000 then 1
            else 0
        end) over (partition by correction_id) = 1 as is_too_large
    from bounded

),

ranked as (

    select
        *,
        row_number() over (
            partition by dataset, corrected_key, key_level
            order by corrected_at desc, correction_id desc
        ) as rank_of_key,
        row_number() over (
            partition by dataset, corrected_key, action, column_name
            order by corrected_at desc, correction_id desc
        ) as rank_of_column
    from limited
    where not is_too_large

),

deciding as (

    select
        *,
        max(case when action = 'delete' and rank_of_key = 1 then 1 else 0 end) over (
            partition by dataset, corrected_key
        ) as is_deleted,
        row_number() over (
            partition by
                dataset, corrected_key,
                case when action = 'delete' and rank_of_key = 1 then 1 else 0 end
            order by corrected_at desc, correction_id desc
        ) as rank_of_deletes
    from ranked

),

effects as (

    select
        correction_id,
        dataset,
        corrected_key,
        action,
        column_name,
        column_value,
        record_count,
        case
            when action = 'delete' then rank_of_key = 1 and rank_of_deletes = 1
            else is_deleted = 0 and rank_of_column = 1
        end as is_in_force,
        false as is_too_large
    from deciding
    union all
    select
        correction_id,
        dataset,
        corrected_key,
        action,
        column_name,
        column_value,
        record_count,
        false as is_in_force,
        is_too_large
    from limited
    where is_too_large

)

select * from effects
