-- The clusters of today's model at every snapshot: what changes is where the customers are.

{{ config(materialized='view') }}

{#- Behaviour is only joined where it is asked for: it costs as much as all the rest. #}
-- depends_on: {{ ref('fct_behaviour_snapshots') }}

with customers as (

    select
        snapshots.snapshot_date,
        snapshots.customer_id,
        snapshots.recency_days,
        snapshots.customer_age_days,
        snapshots.frequency,
        snapshots.monetary,
        {{ cluster_order_value('snapshots.avg_order_value') }} as avg_order_value
        {%- if is_clustered_by_behaviour() %},
        {{ cluster_behaviour_columns(
            'behaviour', 'snapshots.recency_days', 'behaviour.event_recency_days'
        ) }}
        {%- endif %}
    from {{ ref('fct_rfm_snapshots') }} as snapshots
    {%- if is_clustered_by_behaviour() %}
    left join {{ ref('fct_behaviour_snapshots') }} as behaviour
        on
            snapshots.snapshot_date = behaviour.snapshot_date
            and snapshots.customer_id = behaviour.customer_id
    {%- endif %}

),

{{ cluster_assignment_steps('customers') }}

select
    snapshot_date,
    customer_id,
    cluster_id,
    cluster_name,
    distance
from assigned
