with learned as (

    select * from {{ source('ml', 'cluster_sample') }}

)

select
    sample_number,
    cluster_id,
    axis_1,
    axis_2
from learned
