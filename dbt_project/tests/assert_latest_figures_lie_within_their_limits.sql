-- The last day of sales, the last files and the segments at the as-of date are like those before
-- them. Look into what is listed: input may be missing, doubled or of another kind, or the shop has
-- changed. Limits are set by the variables drift_*.
{{ config(severity='warn') }}

select
    metric,
    dimension_value,
    period_date,
    value,
    lower_limit,
    upper_limit,
    baseline
from {{ ref('rpt_drift') }}
where
    is_latest
    and is_outside
