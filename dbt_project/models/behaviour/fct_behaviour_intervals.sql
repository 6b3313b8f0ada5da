-- As fct_rfm_intervals: what the events of the window add up to changes on the days of the events
-- and on those on which they leave the window. Every day of a customer enters once and leaves once,
-- so that sums over time say it all, for any date.

{%- set window_days = var('rfm_window_days') | int %}
{%- set counts = ['event_count'] + behaviour_type_counts()
    + ['active_days', 'timed_event_count', 'dwell_seconds'] %}

with events as (

    select * from {{ ref('int_events_deduplicated') }}

),

period as (

    select * from {{ ref('int_reporting_period') }}

),

-- Seconds as exact numbers, so that sums do not depend on an order of addition.
days as (

    select
        events.customer_id,
        events.occurred_date,
        count(*) as event_count,
        {%- for event_type in behaviour_event_types() %}
        sum(case when events.event_type = '{{ event_type }}' then 1 else 0 end)
            as {{ event_type }}_count,
        {%- endfor %}
        1 as active_days,
        count(events.dwell_seconds) as timed_event_count,
        coalesce(sum({{ money('events.dwell_seconds') }}), 0) as dwell_seconds
    from events
    inner join period
        on events.occurred_date <= period.as_of_date
    group by events.customer_id, events.occurred_date

),

steps as (

    select 1 as direction
    {%- if window_days > 0 %}
    union all
    select -1 as direction
    {%- endif %}

),

differences as (

    select
        days.customer_id,
        case
            when steps.direction = 1 then days.occurred_date
            else cast({{ dbt.dateadd('day', window_days, 'days.occurred_date') }} as date)
        end as change_date,
        {%- for count in counts %}
        case when steps.direction = 1 then days.{{ count }} else -days.{{ count }} end
            as {{ count }},
        {%- endfor %}
        case when steps.direction = 1 then days.occurred_date end as event_date
    from days
    cross join steps

),

changes as (

    select
        customer_id,
        change_date,
        {%- for count in counts %}
        sum({{ count }}) as {{ count }},
        {%- endfor %}
        max(event_date) as last_event_date
    from differences
    group by customer_id, change_date

),

accumulated as (

    select
        customer_id,
        change_date,
        lead(change_date) over (partition by customer_id order by change_date)
            as next_change_date,
        {%- for count in counts %}
        sum({{ count }}) over (
            partition by customer_id
            order by change_date
            rows between unbounded preceding and current row
        ) as {{ count }},
        {%- endfor %}
        max(last_event_date) over (
            partition by customer_id
            order by change_date
            rows between unbounded preceding and current row
        ) as last_event_date
    from changes

)

select
    customer_id,
    change_date as valid_from,
    coalesce(next_change_date, {{ end_of_time() }}) as valid_until,
    last_event_date,
    cast(event_count as bigint) as event_count,
    {%- for count in behaviour_type_counts() %}
    cast({{ count }} as bigint) as {{ count }},
    {%- endfor %}
    cast(active_days as bigint) as active_days,
    cast(timed_event_count as bigint) as timed_event_count,
    cast(dwell_seconds as decimal(38, 4)) as dwell_seconds
from accumulated
