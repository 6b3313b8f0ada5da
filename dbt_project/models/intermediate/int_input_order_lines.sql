-- The lines that this build computes from, up to the as-of date: in a full build all of them, in an
-- incremental one those of touched orders. The date is joined and not compared with a subquery, as
-- DuckDB expects next to no lines after such a comparison: at the joins to come it would put all
-- lines into memory and look the few of the other side up in them.

{{ config(materialized='view') }}

{%- set all_lines = ref('stg_order_lines') %}
{%- set touched_lines = ref('int_touched_order_lines') %}

with order_lines as (

    select * from {{ touched_lines if is_incremental_build() else all_lines }}

),

period as (

    select * from {{ ref('int_reporting_period') }}

)

select order_lines.*
from order_lines
left join period
    on true
where coalesce(order_lines.order_date <= period.as_of_date, false)
