{{ config(materialized='view') }}

with snapshots as (

{{ rfm_at(ref('dim_snapshots')) }}

),

measured as (

    select
        *,
        {{ dbt.datediff('last_order_date', 'snapshot_date', 'day') }} as recency_days,
        {{ dbt.datediff('first_order_date', 'snapshot_date', 'day') }} as customer_age_days
    from snapshots

)

select
    snapshot_date,
    customer_id,
    first_order_date,
    last_order_date,
    cast(recency_days as bigint) as recency_days,
    cast(customer_age_days as bigint) as customer_age_days,
    frequency,
    monetary,
    {{ ratio('monetary', 'frequency') }} as avg_order_value,
    {{ ratio('recency_days', 'customer_age_days') }} as recency_ratio,
    case when customer_age_days >= 30 then frequency * 30.0 / customer_age_days end
        as orders_per_30_days,
    ln(cast(greatest(monetary, 0) as double) + 1) as log_monetary
from measured
