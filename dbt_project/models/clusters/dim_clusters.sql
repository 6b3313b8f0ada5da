with learned as (

    select * from {{ source('ml', 'clusters') }}

)

select
    cluster_id,
    cluster_number,
    cluster_name,
    cluster_name_zh,
    rule_en,
    rule_zh,
    rule_precision,
    rule_coverage
from learned
