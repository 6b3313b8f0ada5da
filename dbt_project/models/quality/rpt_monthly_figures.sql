-- What was said of each closed month, in one long table: the next publication compares its own
-- figures with these.

{%- set figures = [
    ('rpt_sales_by_month', 'sales', ['orders', 'buyers', 'units', 'gross_revenue',
        'returned_revenue', 'discount_revenue', 'net_revenue']),
    ('rpt_lifecycle_by_month', 'lifecycle', ['new', 'active', 'reactivated', 'inactive',
        'newly_lapsed', 'customers', 'prospects']),
    ('rpt_purchase_rates_by_month', 'lifecycle', ['orders', 'revenue', 'repeat_buyers']),
] %}

with months as (

    select * from {{ ref('dim_months') }}
    where not is_partial_month

),

{%- for model, schema, metrics in figures %}

{{ model }} as (

    select * from {{ ref(model) }}

),
{%- endfor %}

cohorts as (

    select * from {{ ref('rpt_cohort_retention') }}

),

segments as (

    select
        *,
        {{ month_of('snapshot_date') }} as order_month
    from {{ ref('rpt_segments') }}
    where extract(day from {{ dbt.dateadd('day', 1, 'snapshot_date') }}) = 1

),

figures as (

    {%- for model, schema, metrics in figures %}
    {%- for metric in metrics %}
    select
        order_month,
        '{{ schema }}.{{ model }}' as table_name,
        '{{ metric }}' as metric,
        'total' as dimension_value,
        cast({{ metric }} as decimal(38, 4)) as value
    from {{ model }}
    union all
    {%- endfor %}
    {%- endfor %}
    {%- for metric in ['buyers', 'revenue'] %}
    select
        order_month,
        'lifecycle.rpt_cohort_retention' as table_name,
        '{{ metric }}' as metric,
        'cohort ' || cast(cohort_month as varchar) as dimension_value,
        cast({{ metric }} as decimal(38, 4)) as value
    from cohorts
    union all
    {%- endfor %}
    {%- for metric in ['customers', 'revenue'] %}
    select
        order_month,
        'rfm.rpt_segments' as table_name,
        '{{ metric }}' as metric,
        scheme || ' ' || segment as dimension_value,
        cast({{ metric }} as decimal(38, 4)) as value
    from segments
    {{ 'union all' if not loop.last }}
    {%- endfor %}

)

select
    figures.order_month,
    figures.table_name,
    figures.metric,
    figures.dimension_value,
    figures.value
from figures
inner join months
    on figures.order_month = months.order_month
