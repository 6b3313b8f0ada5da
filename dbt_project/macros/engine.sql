{#-
  The few places where engines differ. Everything else in the project is plain SQL that DuckDB and
  Spark both run.
-#}

{#- 64-bit hash of a row's columns. -#}
{% macro row_hash(columns) -%}
    {{ return(adapter.dispatch('row_hash', 'customer_value')(columns)) }}
{%- endmacro %}

{% macro default__row_hash(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{% macro spark__row_hash(columns) -%}
    xxhash64({{ columns | join(', ') }})
{%- endmacro %}

{#- Business date, in the shop's time zone, of a UTC timestamp. -#}
{% macro business_date(timestamp_utc) -%}
    {{ return(adapter.dispatch('business_date', 'customer_value')(timestamp_utc)) }}
{%- endmacro %}

{% macro default__business_date(timestamp_utc) -%}
    {%- if var('shop_timezone') == 'UTC' -%}
        cast({{ timestamp_utc }} as date)
    {%- else -%}
        cast(timezone('{{ var("shop_timezone") }}', timezone('UTC', {{ timestamp_utc }})) as date)
    {%- endif -%}
{%- endmacro %}

{% macro spark__business_date(timestamp_utc) -%}
    cast(from_utc_timestamp({{ timestamp_utc }}, '{{ var("shop_timezone") }}') as date)
{%- endmacro %}

{#- Value of a text as a type; null where it cannot be read as one. -#}
{% macro cast_or_null(expression, data_type) -%}
    {{ return(adapter.dispatch('cast_or_null', 'customer_value')(expression, data_type)) }}
{%- endmacro %}

{% macro default__cast_or_null(expression, data_type) -%}
    try_cast({{ expression }} as {{ data_type }})
{%- endmacro %}

{#- UTC timestamp of a text in ISO 8601, whose offset is honoured; without one it is UTC. -#}
{% macro utc_timestamp(text) -%}
    {{ return(adapter.dispatch('utc_timestamp', 'customer_value')(text)) }}
{%- endmacro %}

{% macro default__utc_timestamp(text) -%}
    {%- set tight = "regexp_replace(" ~ text ~ ", ' +([+-][0-9:]+|Z|UTC)$', '\\1')" -%}
    {%- set whole = "regexp_replace(" ~ tight
        ~ ", '^([0-9-]{10}[T ][0-9]{1,2}:[0-9]{2})([+-]|Z|UTC)', '\\1:00\\2')" -%}
    case
        when {{ text }} not like '____-%' then null
        when
            regexp_matches(
                {{ text }}, ':[0-9]{2}([.][0-9]+)? *([+-][0-9]{2}(:?[0-9]{2})?|Z|UTC)$'
            )
            then timezone('UTC', try_cast({{ whole }} as timestamp with time zone))
        else try_cast({{ text }} as timestamp)
    end
{%- endmacro %}

{#- The session's time zone is UTC there. -#}
{% macro spark__utc_timestamp(text) -%}
    case when {{ text }} like '____-%' then try_cast({{ text }} as timestamp) end
{%- endmacro %}

{#- Rows of first days of months, column order_month, between two dates of a one-row relation. -#}
{% macro month_spine(relation, first_date, last_date) -%}
    {{ return(adapter.dispatch('month_spine', 'customer_value')(relation, first_date, last_date)) }}
{%- endmacro %}

{% macro default__month_spine(relation, first_date, last_date) -%}
    select cast(unnest(generate_series(
        date_trunc('month', {{ first_date }}),
        date_trunc('month', {{ last_date }}),
        interval 1 month
    )) as date) as order_month
    from {{ relation }}
    where {{ first_date }} is not null
{%- endmacro %}

{% macro spark__month_spine(relation, first_date, last_date) -%}
    select cast(explode(sequence(
        date_trunc('month', {{ first_date }}),
        date_trunc('month', {{ last_date }}),
        interval 1 month
    )) as date) as order_month
    from {{ relation }}
    where {{ first_date }} is not null
{%- endmacro %}

{#- Rows of days, column order_date, between two dates of a one-row relation. -#}
{% macro day_spine(relation, first_date, last_date) -%}
    {{ return(adapter.dispatch('day_spine', 'customer_value')(relation, first_date, last_date)) }}
{%- endmacro %}

{% macro default__day_spine(relation, first_date, last_date) -%}
    select cast(unnest(generate_series(
        cast({{ first_date }} as timestamp),
        cast({{ last_date }} as timestamp),
        interval 1 day
    )) as date) as order_date
    from {{ relation }}
    where {{ first_date }} is not null
{%- endmacro %}

{% macro spark__day_spine(relation, first_date, last_date) -%}
    select explode(sequence({{ first_date }}, {{ last_date }}, interval 1 day)) as order_date
    from {{ relation }}
    where {{ first_date }} is not null
{%- endmacro %}

{#- Whole part of a quotient of two whole numbers that are not negative. -#}
{% macro integer_divide(dividend, divisor) -%}
    {{ return(adapter.dispatch('integer_divide', 'customer_value')(dividend, divisor)) }}
{%- endmacro %}

{% macro default__integer_divide(dividend, divisor) -%}
    cast({{ dividend }} as hugeint) // cast({{ divisor }} as hugeint)
{%- endmacro %}

{% macro spark__integer_divide(dividend, divisor) -%}
    cast({{ dividend }} as decimal(38, 0)) div cast({{ divisor }} as decimal(38, 0))
{%- endmacro %}

{#- First day of a date's month. -#}
{% macro month_of(date_column) -%}
    cast(date_trunc('month', {{ date_column }}) as date)
{%- endmacro %}

{#- Whole months from one first day of a month to another. -#}
{% macro months_between(from_month, to_month) -%}
    (
        (extract(year from {{ to_month }}) - extract(year from {{ from_month }})) * 12
        + extract(month from {{ to_month }}) - extract(month from {{ from_month }})
    )
{%- endmacro %}

{#- The different values of a column in one text, in order, separated by commas. -#}
{% macro ordered_list(column) -%}
    {{ return(adapter.dispatch('ordered_list', 'customer_value')(column)) }}
{%- endmacro %}

{% macro default__ordered_list(column) -%}
    array_to_string(list_sort(list(distinct {{ column }})), ', ')
{%- endmacro %}

{% macro spark__ordered_list(column) -%}
    array_join(sort_array(collect_set({{ column }})), ', ')
{%- endmacro %}
