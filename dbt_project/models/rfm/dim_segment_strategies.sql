with strategies as (

    select * from {{ ref('segment_strategies') }}

),

schemes as (

    select * from {{ ref('int_rfm_schemes') }}

),

segments as (

    select
        scheme,
        segment,
        min(segment_order) as segment_order,
        min(name_en) as name_en,
        min(name_zh) as name_zh
    from {{ ref('rfm_segments') }}
    group by scheme, segment

)

select
    schemes.scheme,
    segments.segment,
    cast(segments.segment_order as bigint) as segment_order,
    segments.name_en,
    segments.name_zh,
    strategies.goal_en,
    strategies.goal_zh,
    strategies.offer_en,
    strategies.offer_zh,
    {{ money('strategies.max_discount_amount') }} as max_discount_amount,
    cast(strategies.max_discount_share as double) as max_discount_share,
    cast(strategies.contact_interval_days as bigint) as contact_interval_days,
    strategies.channel,
    strategies.target_metric,
    cast(strategies.target_increase as double) as target_increase
from segments
inner join schemes
    on segments.scheme = schemes.base_scheme
left join strategies
    on
        segments.scheme = strategies.scheme
        and segments.segment = strategies.segment
