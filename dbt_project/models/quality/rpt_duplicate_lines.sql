{{ config(
    materialized='incremental',
    pre_hook="{{ remove_touched('order_id') }}"
) }}

with repeated_lines as (

    select * from {{ ref('int_repeated_order_lines') }}
    where is_set_aside

)

select
    order_id,
    min(order_date) as order_date,
    cast(count(*) as bigint) as line_count,
    {{ sum_money(line_value('quantity', 'unit_price')) }} as amount
from repeated_lines
group by order_id
