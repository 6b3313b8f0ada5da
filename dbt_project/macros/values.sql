{#- Id as text, without the `.0` that spreadsheets and floats put behind digits. Landing has done
    the same; tables that come into `raw` by another way are put right here. -#}
{% macro normalise_id(column) -%}
    case
        when {{ column }} like '%.0'
            then regexp_replace({{ column }}, '^([0-9]+)\.0$', '\1')
        else {{ column }}
    end
{%- endmacro %}

{#- Money as everywhere inside: decimal(18,4). -#}
{% macro money(expression) -%}
    cast({{ expression }} as decimal(18, 4))
{%- endmacro %}

{#- Pieces times the price of one. Landing and corrections see to it that pieces are at most a
    billion and the product is below a trillion either way, so that it is reckoned in 64 bits, which
    takes a seventh of the time that wider numbers take. -#}
{% macro line_value(quantity, unit_price) -%}
    cast({{ quantity }} as integer) * {{ unit_price }}
{%- endmacro %}

{#- Sum of money, 0 over no rows. -#}
{% macro sum_money(expression) -%}
    cast(coalesce(sum({{ expression }}), 0) as decimal(18, 4))
{%- endmacro %}

{#- Whether a line kind counts as a customer's purchase. -#}
{% macro is_value_kind(column) -%}
    {%- if var('value_line_kinds') | length == 0 -%}
        false
    {%- else -%}
        {{ column }} in ('{{ var("value_line_kinds") | join("', '") }}')
    {%- endif -%}
{%- endmacro %}

{#- A share between 0 and 1; null where the whole is nothing. -#}
{% macro ratio(part, whole) -%}
    cast({{ part }} as double) / nullif(cast({{ whole }} as double), 0)
{%- endmacro %}

{#- Day of the week of a date, 0 = Monday to 6 = Sunday, whatever an engine counts from. -#}
{% macro weekday(date_column) -%}
    mod({{ dbt.datediff("cast('1899-01-02' as date)", date_column, 'day') }}, 7)
{%- endmacro %}
