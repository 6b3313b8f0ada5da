{#-
  What customers do besides buying, from events. Kinds of events that are counted one by one; orders
  and payments are told by the order lines and count as events only.
-#}
{% macro behaviour_event_types() -%}
    {{ return(['view', 'click', 'cart', 'fav', 'review']) }}
{%- endmacro %}

{#- Names of their counts. -#}
{% macro behaviour_type_counts() -%}
    {%- set counts = [] -%}
    {%- for event_type in behaviour_event_types() -%}
        {%- do counts.append(event_type ~ '_count') -%}
    {%- endfor -%}
    {{ return(counts) }}
{%- endmacro %}

{#- What fct_behaviour_intervals says on given dates, as rfm_at does of orders: a select. Events may
    be older than the first order, with which the months begin. -#}
{% macro behaviour_at(dates) -%}
    {{ intervals_at(
        ref('fct_behaviour_intervals'),
        ['last_event_date', 'event_count'] + behaviour_type_counts()
            + ['active_days', 'timed_event_count', 'dwell_seconds'],
        dates,
        "greatest(" ~ snapshot_month('valid_from') ~ ", (select min(first_months.order_month) from "
            ~ ref('dim_months') ~ " as first_months))"
    ) }}
{%- endmacro %}

{#- Features of behaviour that customers can be clustered by, of a relation with the counts of an
    interval or nulls in their place: a customer without events has done nothing. Exact numbers, as
    all features. last_seen_days needs recency_days, of the orders, and event_recency_days. -#}
{% macro cluster_behaviour_columns(behaviour, recency_days, event_recency_days) -%}
    {%- for count in ['event_count', 'view_count', 'click_count', 'cart_count', 'fav_count',
        'active_days'] %}
    coalesce({{ behaviour }}.{{ count }}, 0) as {{ count }},
    {%- endfor %}
    {{ money('coalesce(' ~ behaviour ~ '.cart_rate, 0)') }} as cart_rate,
    {{ money('coalesce(' ~ behaviour ~ '.avg_dwell_seconds, 0)') }} as avg_dwell_seconds,
    cast(
        least({{ recency_days }}, coalesce({{ event_recency_days }}, {{ recency_days }})) as bigint
    ) as last_seen_days
{%- endmacro %}

{#- Whether customers are clustered by any of them. -#}
{% macro is_clustered_by_behaviour() -%}
    {%- set names = ['view_count', 'click_count', 'cart_count', 'fav_count', 'active_days',
        'cart_rate', 'avg_dwell_seconds', 'last_seen_days'] -%}
    {{ return(var('cluster_features') | select('in', names) | list | length > 0) }}
{%- endmacro %}
