-- One snapshot per month: its last day or, in the month of the as-of date, that date.

{%- set depth = var('rfm_snapshot_months') | int %}

with months as (

    select * from {{ ref('dim_months') }}

),

period as (

    select * from {{ ref('int_reporting_period') }}

),

dated as (

    select
        months.order_month,
        not months.is_partial_month as is_month_end,
        months.order_month = period.as_of_month as is_as_of,
        case
            when months.order_month = period.as_of_month then period.as_of_date
            else {{ last_day_of('months.order_month') }}
        end as snapshot_date
    from months
    cross join period

),

numbered as (

    select
        *,
        row_number() over (order by order_month) as snapshot_number,
        sum(case when is_month_end then 1 else 0 end) over (
            order by order_month desc
            rows between unbounded preceding and current row
        ) as month_end_count
    from dated

),

bounded as (

    select * from numbered
    {%- if depth > 0 %}
    where
        is_as_of
        or month_end_count <= {{ depth }}
    {%- endif %}

)

select
    cast(snapshot_date as date) as snapshot_date,
    cast(snapshot_number as bigint) as snapshot_number,
    cast(lag(snapshot_date) over (order by snapshot_number) as date) as previous_snapshot_date,
    order_month,
    is_month_end,
    is_as_of
from bounded
