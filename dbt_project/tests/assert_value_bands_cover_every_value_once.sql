-- The bands of a measure begin without a lower bound, end without an upper one, and each begins
-- where the one before ends: every value lies in exactly one.

with ordered as (

    select
        measure,
        band,
        lower_bound,
        upper_bound,
        row_number() over (partition by measure order by band) as expected_band,
        lag(upper_bound) over (partition by measure order by band) as previous_upper_bound,
        count(*) over (partition by measure) as band_count
    from {{ ref('value_bands') }}

)

select * from ordered
where
    band <> expected_band
    or (lower_bound is null) <> (band = 1)
    or (upper_bound is null) <> (band = band_count)
    or lower_bound is distinct from previous_upper_bound
    or lower_bound >= upper_bound
