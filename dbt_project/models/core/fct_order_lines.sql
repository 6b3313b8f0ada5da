{{ config(
    materialized='incremental',
    pre_hook="{{ remove_touched('order_id') }}"
) }}

{%- set rebuilt = ref('int_rebuilt_order_lines') %}
{%- set all_of_them = ref('int_order_line_values') %}

with order_lines as (

    select * from {{ rebuilt if is_incremental_build() else all_of_them }}

)

select * from order_lines
