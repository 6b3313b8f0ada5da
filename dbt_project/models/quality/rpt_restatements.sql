-- Figures of a month that was closed at the last publication and that this one says otherwise;
-- what earlier publications restated stays.

with figures as (

    select * from {{ ref('rpt_monthly_figures') }}
    where order_month <= (
        select publication.closed_until from changes.publication as publication
    )

),

causes as (

    select * from {{ ref('int_restatement_causes') }}

),

compared as (

    select
        coalesce(figures.order_month, published.order_month) as order_month,
        coalesce(figures.table_name, published.table_name) as table_name,
        coalesce(figures.metric, published.metric) as metric,
        coalesce(figures.dimension_value, published.dimension_value) as dimension_value,
        published.value as before_value,
        figures.value as after_value
    from figures
    full outer join changes.published_figures as published
        on
            figures.order_month = published.order_month
            and figures.table_name = published.table_name
            and figures.metric = published.metric
            and figures.dimension_value = published.dimension_value

),

changed as (

    select * from compared
    where coalesce(before_value, 0) <> coalesce(after_value, 0)

),

changed_months as (

    select order_month
    from changed
    group by order_month

),

-- A figure of a month follows from what is dated up to it.
causes_by_month as (

    select
        changed_months.order_month,
        {{ ordered_list('causes.cause') }} as cause,
        {{ ordered_list('causes.source') }} as sources
    from changed_months
    inner join causes
        on
            causes.cause_month is null
            or changed_months.order_month >= causes.cause_month
    group by changed_months.order_month

)

select
    publication_number,
    as_of_date,
    order_month,
    table_name,
    metric,
    dimension_value,
    before_value,
    after_value,
    difference,
    cause,
    sources
from changes.published_restatements
union all
select
    publication.publication_number,
    period.as_of_date,
    changed.order_month,
    changed.table_name,
    changed.metric,
    changed.dimension_value,
    changed.before_value,
    changed.after_value,
    cast(coalesce(changed.after_value, 0) - coalesce(changed.before_value, 0) as decimal(38, 4))
        as difference,
    coalesce(causes_by_month.cause, 'unknown') as cause,
    causes_by_month.sources
from changed
cross join changes.publication as publication
cross join {{ ref('int_reporting_period') }} as period
left join causes_by_month
    on changed.order_month = causes_by_month.order_month
