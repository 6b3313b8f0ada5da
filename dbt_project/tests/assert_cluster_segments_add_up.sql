-- Clusters by segment add up to the clusters, in every scheme, and to the segments.

with crossed as (

    select
        scheme,
        segment,
        cluster_id,
        customers,
        revenue
    from {{ ref('rpt_cluster_segments') }}

),

by_segment as (

    select
        scheme,
        segment,
        sum(customers) as customers,
        sum(revenue) as revenue
    from crossed
    group by scheme, segment

),

segments as (

    select
        segments.scheme,
        segments.segment,
        segments.customers,
        segments.revenue
    from {{ ref('rpt_segments') }} as segments
    inner join {{ ref('dim_snapshots') }} as snapshots
        on segments.snapshot_date = snapshots.snapshot_date
    where
        snapshots.is_as_of
        and segments.customers > 0
        and exists (select 1 from {{ ref('fct_customer_clusters') }})

),

schemes as (

    select scheme from segments
    group by scheme

),

clusters as (

    select
        schemes.scheme,
        profiles.cluster_id,
        profiles.customers,
        profiles.revenue
    from {{ ref('rpt_cluster_profiles') }} as profiles
    cross join schemes
    where profiles.customers > 0

),

by_cluster as (

    select
        scheme,
        cluster_id,
        sum(customers) as customers,
        sum(revenue) as revenue
    from crossed
    group by scheme, cluster_id

)

select
    coalesce(segments.scheme, by_segment.scheme) as scheme,
    coalesce(segments.segment, by_segment.segment) as segment_or_cluster,
    segments.customers,
    by_segment.customers as crossed_customers
from segments
full outer join by_segment
    on
        segments.scheme = by_segment.scheme
        and segments.segment = by_segment.segment
where
    segments.customers is distinct from by_segment.customers
    or segments.revenue is distinct from by_segment.revenue
union all
select
    coalesce(clusters.scheme, by_cluster.scheme) as scheme,
    coalesce(clusters.cluster_id, by_cluster.cluster_id) as segment_or_cluster,
    clusters.customers,
    by_cluster.customers as crossed_customers
from clusters
full outer join by_cluster
    on
        clusters.scheme = by_cluster.scheme
        and clusters.cluster_id = by_cluster.cluster_id
where
    clusters.customers is distinct from by_cluster.customers
    or clusters.revenue is distinct from by_cluster.revenue
