-- Where the revenue of a month differs from that of the month before, customer by customer: whose
-- it was then and is now. Every customer with money in either month has one movement, so that the
-- movements add up to the change of the months.

with moves as (

    select * from {{ ref('rpt_segment_moves') }}
    where from_snapshot is not null

),

snapshots as (

    select * from {{ ref('dim_snapshots') }}
    where previous_snapshot_date is not null

),

schemes as (

    select * from {{ ref('int_rfm_schemes') }}

),

segments as (

    select
        scheme,
        segment,
        min(segment_order) as segment_order
    from {{ ref('dim_rfm_cells') }}
    group by scheme, segment

),

movements as (

    {%- for movement in ['new', 'lost', 'moved_up', 'moved_down', 'same_segment', 'outside'] %}
    select
        '{{ movement }}' as movement,
        {{ loop.index }} as movement_order
    {{- ' union all' if not loop.last }}
    {%- endfor %}

),

-- The first segment of a scheme is its best.
moved as (

    select
        moves.*,
        case
            when moves.from_segment = 'none' and moves.to_segment = 'none' then 'outside'
            when moves.from_segment = 'none' then 'new'
            when moves.to_segment = 'none' then 'lost'
            when moves.is_buyer_before and not moves.is_buyer_after then 'lost'
            when to_segments.segment_order < from_segments.segment_order then 'moved_up'
            when to_segments.segment_order > from_segments.segment_order then 'moved_down'
            else 'same_segment'
        end as movement
    from moves
    left join segments as from_segments
        on
            moves.scheme = from_segments.scheme
            and moves.from_segment = from_segments.segment
    left join segments as to_segments
        on
            moves.scheme = to_segments.scheme
            and moves.to_segment = to_segments.segment

),

summed as (

    select
        scheme,
        to_snapshot,
        movement,
        sum(customers) as customers,
        sum(revenue_before) as revenue_before,
        sum(revenue_after) as revenue_after
    from moved
    group by scheme, to_snapshot, movement

)

select
    schemes.scheme,
    snapshots.order_month,
    snapshots.previous_snapshot_date as from_snapshot,
    snapshots.snapshot_date as to_snapshot,
    movements.movement,
    cast(movements.movement_order as bigint) as movement_order,
    cast(coalesce(summed.customers, 0) as bigint) as customers,
    {{ money('coalesce(summed.revenue_before, 0)') }} as revenue_before,
    {{ money('coalesce(summed.revenue_after, 0)') }} as revenue_after,
    {{ money('coalesce(summed.revenue_after, 0) - coalesce(summed.revenue_before, 0)') }}
        as revenue_change,
    not snapshots.is_month_end as is_partial_month
from schemes
cross join snapshots
cross join movements
left join summed
    on
        schemes.scheme = summed.scheme
        and snapshots.snapshot_date = summed.to_snapshot
        and movements.movement = summed.movement
