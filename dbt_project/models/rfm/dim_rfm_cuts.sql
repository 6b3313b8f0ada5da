with thresholds as (

    select * from {{ ref('dim_rfm_thresholds') }}

),

schemes as (

    select * from {{ ref('int_rfm_schemes') }}

),

counted as (

    select
        *,
        count(*) over (partition by scheme, snapshot_date, measure) as threshold_count,
        lead(threshold) over (
            partition by scheme, snapshot_date, measure
            order by threshold_number
        ) as next_threshold
    from thresholds

),

-- Band 0 lies below the first threshold; band n between threshold n and the next.
banded as (

    select
        scheme,
        snapshot_date,
        fitted_date,
        measure,
        is_reached_at_threshold,
        threshold_count,
        0 as band,
        cast(null as double) as lower_bound,
        threshold as upper_bound
    from counted
    where threshold_number = 1
    union all
    select
        scheme,
        snapshot_date,
        fitted_date,
        measure,
        is_reached_at_threshold,
        threshold_count,
        threshold_number as band,
        threshold as lower_bound,
        next_threshold as upper_bound
    from counted

)

select
    banded.scheme,
    banded.snapshot_date,
    banded.fitted_date,
    banded.measure,
    cast(
        case when schemes.method in ('mean', 'median') then 0 else 1 end
        + case
            when banded.measure = 'recency_days' then banded.threshold_count - banded.band
            else banded.band
        end as bigint
    ) as score,
    banded.lower_bound,
    banded.upper_bound,
    banded.is_reached_at_threshold as is_lower_bound_included
from banded
inner join schemes
    on banded.scheme = schemes.scheme
