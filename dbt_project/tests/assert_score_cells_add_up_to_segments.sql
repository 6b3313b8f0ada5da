-- Customers and revenue of all combinations of scores in a segment are those of the segment.

with cells as (

    select
        cells.scheme,
        cells.snapshot_date,
        names.segment,
        sum(cells.customers) as customers,
        sum(cells.revenue) as revenue
    from {{ ref('rpt_score_cells') }} as cells
    inner join {{ ref('dim_rfm_cells') }} as names
        on
            cells.scheme = names.scheme
            and cells.r_score = names.r_score
            and cells.f_score = names.f_score
            and cells.m_score = names.m_score
    group by cells.scheme, cells.snapshot_date, names.segment

)

select
    segments.scheme,
    segments.segment,
    segments.customers,
    cells.customers as customers_of_cells,
    segments.revenue,
    cells.revenue as revenue_of_cells
from {{ ref('rpt_segments') }} as segments
inner join {{ ref('dim_snapshots') }} as snapshots
    on segments.snapshot_date = snapshots.snapshot_date
left join cells
    on
        segments.scheme = cells.scheme
        and segments.snapshot_date = cells.snapshot_date
        and segments.segment = cells.segment
where
    snapshots.is_as_of
    and (
        segments.customers <> coalesce(cells.customers, 0)
        or segments.revenue <> coalesce(cells.revenue, 0)
    )
