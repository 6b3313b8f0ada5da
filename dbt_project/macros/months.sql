{#- Stands for the end of a range that has none. -#}
{% macro end_of_time() -%}
    cast('9999-12-01' as date)
{%- endmacro %}

{#- Ranges of months (from included, until excluded) with the months in each. Taken from the ranges
    that occur, which are few, so that those of all customers are filled by an equality join. -#}
{% macro fill_month_ranges(ranges, months) %}
    select
        occurring.from_month,
        occurring.until_month,
        months.order_month
    from (
        select
            from_month,
            until_month
        from {{ ranges }}
        group by from_month, until_month
    ) as occurring
    inner join {{ months }} as months
        on
            occurring.from_month <= months.order_month
            and occurring.until_month > months.order_month
{%- endmacro %}

{#- Month from which a registered customer is known: of registration, but not before the data. -#}
{% macro prospect_from_month(registered_date, months) -%}
    greatest(
            coalesce({{ month_of(registered_date) }}, cast('1900-01-01' as date)),
            (select min(first_months.order_month) from {{ months }} as first_months)
        )
{%- endmacro %}
