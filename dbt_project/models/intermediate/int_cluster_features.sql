-- Values are exact numbers, so that means over customers do not depend on an order of addition.

with intervals as (

    select * from {{ ref('fct_rfm_intervals') }}

),

as_of as (

    select snapshot_date from {{ ref('dim_snapshots') }}
    where
        is_as_of
        and {{ 'true' if var('clustering') else 'false' }}

),

customers as (

    select
        as_of.snapshot_date,
        intervals.customer_id,
        intervals.frequency,
        intervals.monetary,
        {{ dbt.datediff('intervals.last_order_date', 'as_of.snapshot_date', 'day') }}
            as recency_days,
        {{ dbt.datediff('intervals.first_order_date', 'as_of.snapshot_date', 'day') }}
            as customer_age_days
    from intervals
    inner join as_of
        on
            intervals.valid_from <= as_of.snapshot_date
            and intervals.valid_until > as_of.snapshot_date

)

select
    snapshot_date,
    customer_id,
    cast(recency_days as bigint) as recency_days,
    cast(customer_age_days as bigint) as customer_age_days,
    frequency,
    monetary,
    {{ cluster_order_value(ratio('monetary', 'frequency')) }} as avg_order_value
from customers
