-- The clusters hold the customers of the as-of snapshot, each once and no others.

with clustered as (

    select customer_id from {{ ref('fct_customer_clusters') }}

),

customers as (

    select customer_id from {{ ref('int_cluster_features') }}

)

select
    customers.customer_id,
    clustered.customer_id as clustered_customer_id
from customers
full outer join clustered
    on customers.customer_id = clustered.customer_id
where customers.customer_id is null or clustered.customer_id is null
