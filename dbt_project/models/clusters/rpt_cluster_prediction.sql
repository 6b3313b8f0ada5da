with learned as (

    select * from {{ source('ml', 'cluster_prediction') }}

)

select
    predictor,
    from_date,
    to_date,
    customers,
    r_squared,
    mean_absolute_error,
    rank_correlation,
    is_best
from learned
