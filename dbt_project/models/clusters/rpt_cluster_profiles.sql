with clusters as (

    select * from {{ ref('dim_clusters') }}

),

customers as (

    select * from {{ ref('fct_customer_clusters') }}

),

features as (

    select * from {{ ref('int_cluster_features') }}

),

summed as (

    select
        customers.cluster_id,
        count(*) as customer_count,
        sum(features.recency_days) as recency_days,
        sum(features.frequency) as frequency,
        sum(features.monetary) as revenue
    from customers
    inner join features
        on customers.customer_id = features.customer_id
    group by customers.cluster_id

),

-- Every cluster has a row, also one that nobody is in any more.
filled as (

    select
        clusters.cluster_id,
        clusters.cluster_name,
        summed.recency_days,
        summed.frequency,
        coalesce(summed.customer_count, 0) as customer_count,
        coalesce(summed.revenue, 0) as revenue
    from clusters
    left join summed
        on clusters.cluster_id = summed.cluster_id

),

totalled as (

    select
        *,
        sum(customer_count) over () as total_customer_count,
        sum(revenue) over () as total_revenue
    from filled

)

select
    cluster_id,
    cluster_name,
    cast(customer_count as bigint) as customers,
    {{ ratio('customer_count', 'total_customer_count') }} as customer_share,
    {{ money('revenue') }} as revenue,
    {{ ratio('revenue', 'total_revenue') }} as revenue_share,
    {{ ratio('recency_days', 'customer_count') }} as mean_recency_days,
    {{ ratio('frequency', 'customer_count') }} as mean_frequency,
    {{ ratio('revenue', 'customer_count') }} as mean_monetary,
    {{ ratio('revenue', 'frequency') }} as avg_order_value
from totalled
