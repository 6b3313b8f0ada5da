-- Layered equals unlayered: what is published by segment at the as-of date adds up to what all
-- customers together show, shares to 1.

{%- set last_date = date_literal(last_two_snapshots()[1]) %}

with whole as (

    select
        snapshot_date,
        count(*) as customers,
        sum(monetary) as revenue,
        sum(recency_days) as recency_days,
        sum(frequency) as frequency
    from {{ ref('fct_rfm_snapshots') }}
    where snapshot_date = {{ last_date }}
    group by snapshot_date

),

layered as (

    select
        scheme,
        snapshot_date,
        sum(customers) as customers,
        sum(revenue) as revenue,
        sum(customers * mean_recency_days) as recency_days,
        sum(customers * mean_frequency) as frequency,
        sum(customers * mean_monetary) as monetary,
        sum(customer_share) as customer_share,
        sum(revenue_share) as revenue_share
    from {{ ref('rpt_segments') }}
    where snapshot_date = {{ last_date }}
    group by scheme, snapshot_date

)

select
    layered.scheme,
    layered.snapshot_date,
    layered.customers,
    whole.customers as all_customers,
    layered.revenue,
    whole.revenue as all_revenue
from layered
inner join whole
    on layered.snapshot_date = whole.snapshot_date
where
    layered.customers <> whole.customers
    or layered.revenue <> whole.revenue
    or abs(layered.recency_days - whole.recency_days) > 0.005
    or abs(layered.frequency - whole.frequency) > 0.005
    or abs(layered.monetary - cast(whole.revenue as double)) > 0.005
    or abs(layered.customer_share - 1) > 0.000001
    -- A revenue of 0 has no shares.
    or abs(coalesce(layered.revenue_share, 1) - 1) > 0.000001
