-- A strategy is of a segment that there is: correct seeds/segment_strategies.csv.

select
    strategies.scheme,
    strategies.segment
from {{ ref('segment_strategies') }} as strategies
left join {{ ref('rfm_segments') }} as segments
    on
        strategies.scheme = segments.scheme
        and strategies.segment = segments.segment
where segments.segment is null
