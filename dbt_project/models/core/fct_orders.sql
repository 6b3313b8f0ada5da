{{ config(
    materialized='incremental',
    pre_hook="{{ remove_touched('order_id') }}"
) }}

{%- set rebuilt = ref('int_rebuilt_orders') %}
{%- set all_of_them = ref('int_order_values') %}

with orders as (

    select * from {{ rebuilt if is_incremental_build() else all_of_them }}

)

select * from orders
