{{ config(materialized='view') }}

with snapshots as (

{{ behaviour_at(ref('dim_snapshots')) }}

)

select
    snapshot_date,
    customer_id,
    last_event_date,
    cast({{ dbt.datediff('last_event_date', 'snapshot_date', 'day') }} as bigint)
        as event_recency_days,
    event_count,
    {%- for count in behaviour_type_counts() %}
    {{ count }},
    {%- endfor %}
    active_days,
    {{ ratio('cart_count', 'event_count') }} as cart_rate,
    {{ ratio('dwell_seconds', 'timed_event_count') }} as avg_dwell_seconds
from snapshots
