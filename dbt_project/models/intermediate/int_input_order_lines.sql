-- The lines that this build computes from: in a full build all of them, in an incremental one those
-- of touched orders.

{{ config(materialized='view') }}

{%- set all_lines = ref('stg_order_lines') %}
{%- set touched_lines = ref('int_touched_order_lines') %}

with order_lines as (

    select * from {{ touched_lines if is_incremental_build() else all_lines }}

)

select * from order_lines
