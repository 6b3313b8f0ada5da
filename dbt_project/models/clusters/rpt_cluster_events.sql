with learned as (

    select * from {{ source('ml', 'cluster_events') }}

)

select
    model_id,
    snapshot_date,
    event_number,
    event,
    from_cluster_id,
    to_cluster_id,
    customers,
    share,
    detail_en,
    detail_zh
from learned
