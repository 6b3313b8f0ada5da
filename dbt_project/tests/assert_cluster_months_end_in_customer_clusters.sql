-- At the as-of date the view over all snapshots says of every customer what the table says.

{%- set last_date = date_literal(last_two_snapshots()[1]) %}

with by_month as (

    select
        customer_id,
        cluster_id
    from {{ ref('fct_customer_cluster_months') }}
    where snapshot_date = {{ last_date }}

),

clustered as (

    select
        customer_id,
        cluster_id
    from {{ ref('fct_customer_clusters') }}

)

select
    coalesce(clustered.customer_id, by_month.customer_id) as customer_id,
    clustered.cluster_id,
    by_month.cluster_id as cluster_id_by_month
from clustered
full outer join by_month
    on clustered.customer_id = by_month.customer_id
where clustered.cluster_id is distinct from by_month.cluster_id
