{#- Last day of the month that begins on a date. -#}
{% macro last_day_of(month) -%}
    cast({{ dbt.dateadd('day', -1, dbt.dateadd('month', 1, month)) }} as date)
{%- endmacro %}

{#- Month whose snapshot is the first on or after a date. Every month has one snapshot, so that a
    range of dates is a range of months; after the as-of date there is none any more. -#}
{% macro snapshot_month(date_column) -%}
    case
        when {{ date_column }} <= (
            select as_of.snapshot_date from {{ ref('dim_snapshots') }} as as_of
            where as_of.is_as_of
        )
            then {{ month_of(date_column) }}
        else {{ end_of_time() }}
    end
{%- endmacro %}

{#- What fct_rfm_intervals says on given dates: a select. -#}
{% macro rfm_at(dates) %}
    {{- intervals_at(
        ref('fct_rfm_intervals'),
        ['first_order_date', 'last_order_date', 'frequency', 'monetary'],
        dates,
        snapshot_month('valid_from')
    ) }}
{%- endmacro %}

{#- What a relation with customer_id, valid_from, valid_until and some columns says on given dates: a
    select. dates: a relation with snapshot_date and order_month, not more than one date a month;
    from_month: the month of valid_from. The intervals' dates are mapped to months first; the pairs
    of months that there can be are few and are matched with the dates, so that the intervals
    themselves are expanded by an equality join. -#}
{% macro intervals_at(intervals, columns, dates, from_month) %}
    select
        range_dates.snapshot_date,
        intervals.customer_id
        {%- for column in columns %},
        intervals.{{ column }}
        {%- endfor %}
    from (
        select
            *,
            {{ from_month }} as from_month,
            {{ snapshot_month('valid_until') }} as until_month
        from {{ intervals }}
    ) as intervals
    inner join (
        select
            from_months.order_month as from_month,
            until_months.until_month,
            dates.snapshot_date
        from {{ ref('dim_months') }} as from_months
        inner join {{ dates }} as dates
            on from_months.order_month <= dates.order_month
        inner join (
            select order_month as until_month from {{ ref('dim_months') }}
            union all
            select {{ end_of_time() }} as until_month
        ) as until_months
            on dates.order_month < until_months.until_month
    ) as range_dates
        on
            intervals.from_month = range_dates.from_month
            and intervals.until_month = range_dates.until_month
{%- endmacro %}

{#- Highest score that a scheme can give: of the fixed bands or of the quantile bins. -#}
{% macro max_rfm_score() -%}
    {{ return([5, var('rfm_quantile_bins') | int] | max) }}
{%- endmacro %}

{#- Scores of a customer as text: '543', with dashes where a score can have two digits. -#}
{% macro rfm_code(r_score, f_score, m_score) -%}
    {%- set dash = " || '-' || " if (var('rfm_quantile_bins') | int) > 9 else ' || ' -%}
    cast({{ r_score }} as varchar){{ dash }}cast({{ f_score }} as varchar)
    {{- dash }}cast({{ m_score }} as varchar)
{%- endmacro %}

{%- macro rfm_measures() -%}
    {{ return(['recency_days', 'frequency', 'monetary']) }}
{%- endmacro %}

{#- Type that a measure is compared in: whole numbers are the quicker ones. -#}
{% macro rfm_number(measure, value) -%}
    cast({{ value }} as {{ 'double' if measure == 'monetary' else 'integer' }})
{%- endmacro %}

{#- Cuts of each scheme and snapshot in one row: for every score the bound to be passed, the upper
    one of recency and the lower one of the others. A bound that is reached and not exceeded lies
    half a step below, as values have four decimals; between whole numbers the next lower one says
    the same; a score that is not to be had lies out of reach. cuts: dim_rfm_cuts. -#}
{% macro rfm_score_bounds(cuts) %}
    select
        scheme,
        snapshot_date,
        cast(min(score) as integer) as lowest_score
        {%- for score in range(1, max_rfm_score() + 1) %},
        coalesce(cast(floor(max(case
            when measure = 'recency_days' and score = {{ score }} then upper_bound
        end)) as integer), -2147483647) as recency_days_{{ score }},
        coalesce(cast(floor(max(case
            when measure = 'frequency' and score = {{ score }}
                then lower_bound - case when is_lower_bound_included then 0.00005 else 0 end
        end)) as integer), 2147483647) as frequency_{{ score }},
        coalesce(max(case
            when measure = 'monetary' and score = {{ score }}
                then lower_bound - case when is_lower_bound_included then 0.00005 else 0 end
        end), 1e300) as monetary_{{ score }}
        {%- endfor %}
    from {{ cuts }}
    group by scheme, snapshot_date
{%- endmacro %}

{#- The columns of rfm_score_bounds under names of their own. -#}
{% macro rfm_score_bound_names(bounds, suffix) -%}
    {{ bounds }}.lowest_score as lowest_score{{ suffix }}
        {%- for measure in rfm_measures() %}
        {%- for score in range(1, max_rfm_score() + 1) %},
        {{ bounds }}.{{ measure }}_{{ score }} as {{ measure }}_{{ score }}{{ suffix }}
        {%- endfor %}
        {%- endfor %}
{%- endmacro %}

{#- Score of a value: the best one whose bound it passes. Recency passes a bound that it does not
    exceed, the others one that they exceed. value: of the type of rfm_number; bounds: a relation
    with the columns of rfm_score_bounds, their names ended by suffix. -#}
{% macro rfm_score(measure, value, bounds, suffix='') -%}
    {%- set operator = '<=' if measure == 'recency_days' else '>' -%}
    case
            {%- for score in range(max_rfm_score(), 0, -1) %}
            when {{ value }} {{ operator }} {{ bounds }}.{{ measure }}_{{ score }}{{ suffix }}
                then {{ score }}
            {%- endfor %}
            else {{ bounds }}.lowest_score{{ suffix }}
        end
{%- endmacro %}

{#- A measure of a row of rfm_at. -#}
{% macro rfm_measure(measure) -%}
    {%- if measure == 'recency_days' -%}
        {{ dbt.datediff('last_order_date', 'snapshot_date', 'day') }}
    {%- else -%}
        {{ measure }}
    {%- endif -%}
{%- endmacro %}

{#- Date whose cuts are kept, or none. -#}
{% macro reference_snapshot() -%}
    {%- if var('rfm_reference_snapshot') -%}
        cast('{{ var("rfm_reference_snapshot") }}' as date)
    {%- else -%}
        cast(null as date)
    {%- endif -%}
{%- endmacro %}

{#- Pre-hook: thresholds whose customers have changed, or whose snapshot is no longer looked at. -#}
{% macro remove_stale_thresholds() -%}
    {%- set touched = is_snapshot_touched('coalesce(fitted_date, snapshot_date)') -%}
    {%- if is_incremental_build() -%}
        delete from {{ this }}
        where
            {{ touched }}
            or snapshot_date not in (
                select snapshots.snapshot_date from {{ ref('dim_snapshots') }} as snapshots
            )
    {%- endif -%}
{%- endmacro %}

{#- Pre-hook: moves between snapshots that have changed, or that are no longer neighbours. Cuts that
    are kept from a snapshot that has changed move every score. -#}
{% macro remove_stale_moves() -%}
    {%- set touched = is_snapshot_touched('to_snapshot') -%}
    {%- set reference_touched = is_snapshot_touched(reference_snapshot()) -%}
    {%- if is_incremental_build() -%}
        delete from {{ this }}
        where
            {{ touched }}
            {%- if var('rfm_cuts') != 'refitted' %}
            or {{ reference_touched }}
            {%- endif %}
            or not exists (
                select 1 from {{ ref('dim_snapshots') }} as snapshots
                where
                    snapshots.snapshot_date = to_snapshot
                    and snapshots.previous_snapshot_date is not distinct from from_snapshot
            )
    {%- endif -%}
{%- endmacro %}

{#- Scores of a customer as one number, so that customers can be grouped by them; none gives null.
    It is taken apart by joining the cells, which are few, under the same number. -#}
{% macro rfm_cell_number(r_score, f_score, m_score) -%}
    ({{ r_score }}) * 10000 + ({{ f_score }}) * 100 + ({{ m_score }})
{%- endmacro %}

{#- Dates of the last two snapshots as literals, none while there are none. A view over all pairs
    of snapshots is only quick when the dates are written into the query. -#}
{% macro last_two_snapshots() -%}
    {{ return(last_snapshots_of(ref('dim_snapshots'))) }}
{%- endmacro %}

{#- The same of a relation that is dim_snapshots. -#}
{% macro last_snapshots_of(snapshots) -%}
    {%- set dates = [none, none] -%}
    {%- if execute and load_relation(snapshots) is not none -%}
        {%- set found = run_query(
            'select previous_snapshot_date, snapshot_date from ' ~ snapshots ~ ' where is_as_of'
        ).rows -%}
        {%- if found | length == 1 -%}
            {%- set dates = [found[0][0], found[0][1]] -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(dates) }}
{%- endmacro %}

{#- A date as a literal, or none. -#}
{% macro date_literal(day) -%}
    cast({{ "'" ~ day ~ "'" if day else 'null' }} as date)
{%- endmacro %}
