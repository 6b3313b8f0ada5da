with customers as (

    select * from {{ ref('int_cluster_features') }}

),

{{ cluster_assignment_steps('customers') }}

select
    snapshot_date,
    customer_id,
    cluster_id,
    cluster_name,
    distance
from assigned
