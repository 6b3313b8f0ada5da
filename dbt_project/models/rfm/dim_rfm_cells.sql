-- Every combination of scores that a scheme can give, with its segment. Quantile scores of other
-- than five bins are scaled to the five levels that the segments are named for.

with schemes as (

    select * from {{ ref('int_rfm_schemes') }}

),

segments as (

    select * from {{ ref('rfm_segments') }}

),

bins as (

    select
        *,
        case
            when method = 'quantile' then {{ var('rfm_quantile_bins') | int }}
            when method in ('mean', 'median') then 2
            else 5
        end as bin_count,
        case when method in ('mean', 'median') then 0 else 1 end as lowest_score
    from schemes

),

digits as (

    {%- for digit in range(0, 11) %}
    select {{ digit }} as score
    {{- ' union all' if not loop.last }}
    {%- endfor %}

),

scores as (

    select
        bins.scheme,
        bins.base_scheme,
        bins.r_weight,
        bins.f_weight,
        bins.m_weight,
        digits.score,
        case
            when bins.method = 'quantile'
                then cast(ceil(digits.score * 5.0 / bins.bin_count) as bigint)
            else digits.score
        end as level
    from bins
    inner join digits
        on digits.score between bins.lowest_score and bins.lowest_score + bins.bin_count - 1

),

cells as (

    select
        r_scores.scheme,
        r_scores.base_scheme,
        r_scores.score as r_score,
        f_scores.score as f_score,
        m_scores.score as m_score,
        r_scores.level as r_level,
        f_scores.level as f_level,
        m_scores.level as m_level,
        r_scores.score * r_scores.r_weight
        + f_scores.score * f_scores.f_weight
        + m_scores.score * m_scores.m_weight as weighted_score
    from scores as r_scores
    inner join scores as f_scores
        on r_scores.scheme = f_scores.scheme
    inner join scores as m_scores
        on r_scores.scheme = m_scores.scheme

)

select
    cells.scheme,
    cast(cells.r_score as bigint) as r_score,
    cast(cells.f_score as bigint) as f_score,
    cast(cells.m_score as bigint) as m_score,
    {{ rfm_code('cells.r_score', 'cells.f_score', 'cells.m_score') }} as rfm_code,
    cast(cells.r_score + cells.f_score + cells.m_score as bigint) as rfm_total,
    cast(cells.weighted_score as double) as rfm_weighted_score,
    segments.segment,
    cast(segments.segment_order as bigint) as segment_order,
    segments.name_en,
    segments.name_zh
from cells
left join segments
    on
        cells.base_scheme = segments.scheme
        and cells.r_level between segments.r_min and segments.r_max
        and cells.f_level between segments.f_min and segments.f_max
        and cells.m_level between segments.m_min and segments.m_max
        and cells.f_level + cells.m_level between segments.fm_min and segments.fm_max
        and cells.r_level + cells.f_level + cells.m_level
        between segments.total_min and segments.total_max
