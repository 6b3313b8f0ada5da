{#- Most thresholds a measure can have: those of the fixed bands or of the quantile bins. -#}
{% macro max_rfm_thresholds() -%}
    {{ return([4, (var('rfm_quantile_bins') | int) - 1] | max) }}
{%- endmacro %}

{#- How many of a scheme's thresholds, spread out in columns, a measure passes. -#}
{% macro thresholds_passed(measure, cuts) -%}
    (
        {%- for number in range(1, max_rfm_thresholds() + 1) %}
        {{ '+ ' if not loop.first }}case
            when {{ measure }} > {{ cuts }}.{{ measure }}_{{ number }} then 1
            when
                {{ cuts }}.{{ measure }}_is_reached
                and {{ measure }} = {{ cuts }}.{{ measure }}_{{ number }}
                then 1
            else 0
        end
        {%- endfor %}
    )
{%- endmacro %}

{#- Scores of a customer as text: '543', with dashes where a score can have two digits. -#}
{% macro rfm_code(r_score, f_score, m_score) -%}
    {%- set dash = " || '-' || " if (var('rfm_quantile_bins') | int) > 9 else ' || ' -%}
    cast({{ r_score }} as varchar){{ dash }}cast({{ f_score }} as varchar)
    {{- dash }}cast({{ m_score }} as varchar)
{%- endmacro %}
