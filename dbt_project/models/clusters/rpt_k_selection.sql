with learned as (

    select * from {{ source('ml', 'cluster_k_selection') }}

)

select
    model_id,
    k,
    inertia,
    silhouette,
    davies_bouldin,
    calinski_harabasz,
    smallest_cluster_customers,
    smallest_cluster_share,
    min_bootstrap_jaccard,
    mini_batch_agreement,
    is_stable,
    is_elbow,
    is_best_silhouette,
    is_chosen
from learned
