with learned as (

    select * from {{ source('ml', 'cluster_model') }}

)

select
    model_id,
    snapshot_date,
    algorithm,
    transform,
    k,
    seed,
    fitted_customers,
    chosen_by,
    reason_en,
    reason_zh,
    is_stable,
    settings_digest
from learned
