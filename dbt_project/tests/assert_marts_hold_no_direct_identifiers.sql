-- No published text is an e-mail address or an international phone number. Names of products and
-- of those who write corrections are exempt. A finding names the column, never the value: map that
-- column to email_hash or phone_hash in the profile, or leave it out.
{%- set searched = {
    'dim_customers': ['customer_id', 'country', 'region', 'first_channel'],
    'dim_products': ['category'],
    'fct_orders': ['order_id', 'country', 'channel', 'platform'],
    'fct_order_lines': ['order_id'],
    'fct_cancellations': ['cancelling_order_id'],
    'rpt_duplicate_lines': ['order_id'],
    'rpt_corrections': ['correction_id', 'record_key', 'column_value', 'reason'],
    'rpt_restatements': ['sources'],
} %}

-- Each table is read once; few rows are left to look at column by column.
with
{%- for model, columns in searched.items() %}
suspects_in_{{ model }} as (

    select
        {{ columns | join(',\n        ') }}
    from {{ ref(model) }}
    where
        (
            {%- for column in columns %}
            {{ 'or ' if not loop.first }}{{ column }} like '%@%'
            or {{ column }} like '+%'
            {%- endfor %}
        )
        and {{ is_built_now(ref(model)) }}

),
{% endfor %}
texts as (
{% for model, columns in searched.items() -%}
    {%- set is_last_model = loop.last %}
    {%- for column in columns %}
    select
        '{{ model }}' as table_name,
        '{{ column }}' as column_name,
        {{ column }} as value
    from suspects_in_{{ model }}
    {%- if not (is_last_model and loop.last) %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endfor %}

),

identifiers as (

    select
        table_name,
        column_name,
        count(*) as identifier_count
    from texts
    where
        (value like '%_@_%._%' and value not like '% %')
        or (
            value like '+%'
            and translate(value, '+0123456789 ()./-', '') = ''
            and length(translate(value, '+ ()./-', '')) between 7 and 15
        )
    group by table_name, column_name

)

select * from identifiers
