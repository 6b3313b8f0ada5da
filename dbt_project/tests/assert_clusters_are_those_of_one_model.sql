-- One model is in use where there are customers to cluster, and it has as many clusters as it says.

with models as (

    select
        count(*) as model_count,
        coalesce(sum(k), 0) as cluster_count
    from {{ ref('dim_cluster_models') }}

),

clusters as (

    select
        count(*) as cluster_count,
        coalesce(max(cluster_number), 0) as last_number
    from {{ ref('dim_clusters') }}

),

customers as (

    select count(*) as customer_count from {{ ref('int_cluster_features') }}

)

select
    models.model_count,
    models.cluster_count,
    clusters.cluster_count as listed_cluster_count,
    clusters.last_number,
    customers.customer_count
from models
cross join clusters
cross join customers
where
    models.model_count > 1
    or models.cluster_count <> clusters.cluster_count
    or models.cluster_count <> clusters.last_number
    or (customers.customer_count > 0 and models.model_count = 0)
