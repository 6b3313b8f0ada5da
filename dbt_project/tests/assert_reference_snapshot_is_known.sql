-- Cuts are kept from rfm_reference_snapshot: set it to the last day of a month that lies within the
-- data and by which somebody has bought, or set rfm_cuts to refitted.

with wanted as (

    select {{ reference_snapshot() }} as reference_snapshot

),

months as (

    select {{ last_day_of('order_month') }} as month_end
    from {{ ref('dim_months') }}
    where not is_partial_month

)

select wanted.reference_snapshot
from wanted
where
    {{ "false" if var('rfm_cuts') == 'refitted' else "true" }}
    and (
        not exists (
            select 1 from months
            where months.month_end = wanted.reference_snapshot
        )
        or not exists (
            select 1 from {{ ref('fct_rfm_intervals') }} as intervals
            where
                intervals.valid_from <= wanted.reference_snapshot
                and intervals.valid_until > wanted.reference_snapshot
        )
    )
