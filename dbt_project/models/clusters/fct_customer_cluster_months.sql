-- The clusters of today's model at every snapshot: what changes is where the customers are.

{{ config(materialized='view') }}

with customers as (

    select
        snapshot_date,
        customer_id,
        recency_days,
        customer_age_days,
        frequency,
        monetary,
        {{ cluster_order_value('avg_order_value') }} as avg_order_value
    from {{ ref('fct_rfm_snapshots') }}

),

{{ cluster_assignment_steps('customers') }}

select
    snapshot_date,
    customer_id,
    cluster_id,
    cluster_name,
    distance
from assigned
