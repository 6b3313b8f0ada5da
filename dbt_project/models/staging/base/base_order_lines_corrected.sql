-- The lines of the orders that corrections name, with the corrections in place.

{{ config(materialized='table') }}

with order_lines as (

    select
        *,
        quantity as landed_quantity,
        unit_price as landed_unit_price
    from {{ ref('base_order_lines_to_correct') }}

),

corrections as (

    select * from {{ ref('base_correction_effects') }}
    where
        dataset = 'order_lines'
        and is_in_force

),

{{ corrected_records(
    'order_lines',
    "order_lines.order_id || '/' || cast(order_lines.line_number as varchar)",
    ['file_id', 'order_id', 'line_number', 'landed_quantity', 'landed_unit_price'],
    records='order_lines'
) }}

select
    file_id,
    {{ business_date('ordered_at') }} as order_date,
    {%- for column in order_line_columns() %}
    {{ "coalesce(status, 'completed') as status" if column == 'status' else column }},
    {%- endfor %}
    landed_quantity,
    landed_unit_price
from corrected
