with moves as (

    select * from {{ ref('rpt_segment_moves') }}
    where
        from_snapshot is not null
        and not (from_segment = 'none' and to_segment = 'none')

)

select
    scheme,
    from_snapshot,
    to_snapshot,
    case when from_segment = 'none' then 'entered' else from_segment end as from_segment,
    case when to_segment = 'none' then 'left' else to_segment end as to_segment,
    cast(sum(customers) as bigint) as customers,
    {{ sum_money('monetary_before') }} as revenue_before,
    {{ sum_money('monetary_after') }} as revenue_after
from moves
group by scheme, from_snapshot, to_snapshot, from_segment, to_segment
