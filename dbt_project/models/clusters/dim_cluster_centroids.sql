with learned as (

    select * from {{ source('ml', 'cluster_centroids') }}

)

select
    model_id,
    cluster_id,
    feature,
    feature_number,
    mean,
    scale,
    center_scaled,
    center
from learned
