{%- set last_date = date_literal(last_two_snapshots()[1]) %}

with customers as (

    select * from {{ ref('fct_customer_clusters') }}

),

features as (

    select
        customer_id,
        monetary
    from {{ ref('int_cluster_features') }}

),

scores as (

    select
        scheme,
        segment,
        customer_id
    from {{ ref('fct_rfm_scores') }}
    where
        snapshot_date = {{ last_date }}
        and {{ 'true' if var('clustering') else 'false' }}

),

crossed as (

    select
        scores.scheme,
        scores.segment,
        customers.cluster_id,
        count(*) as customer_count,
        sum(features.monetary) as revenue
    from customers
    inner join features
        on customers.customer_id = features.customer_id
    inner join scores
        on customers.customer_id = scores.customer_id
    group by scores.scheme, scores.segment, customers.cluster_id

),

totalled as (

    select
        *,
        sum(customer_count) over (partition by scheme, segment) as segment_customer_count,
        sum(customer_count) over (partition by scheme, cluster_id) as cluster_customer_count
    from crossed

)

select
    scheme,
    segment,
    cluster_id,
    cast(customer_count as bigint) as customers,
    {{ ratio('customer_count', 'segment_customer_count') }} as share_of_segment,
    {{ ratio('customer_count', 'cluster_customer_count') }} as share_of_cluster,
    {{ money('revenue') }} as revenue
from totalled
