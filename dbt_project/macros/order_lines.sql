{#- The columns that make an order line: two lines equal in all of them are duplicates. -#}
{% macro order_line_columns() -%}
    {{ return([
        'order_id', 'line_number', 'product_id', 'ordered_at', 'quantity', 'unit_price',
        'customer_id', 'product_name', 'country', 'channel', 'platform', 'discount_amount',
        'paid_amount', 'paid_at', 'status', 'currency',
    ]) }}
{%- endmacro %}

{#- Hash of the columns that tell lines apart best; lines that differ in it are no duplicates. -#}
{% macro order_line_hash() -%}
    {{ row_hash(['order_id', 'line_number', 'product_id', 'quantity']) }}
{%- endmacro %}

{#- Position of a line in its order by the line's content, so that the order of rows and files
    changes nothing; by time first, so that later lines leave earlier ones where they are.
    With dense_rank copies of a line share a position, with row_number each has its own. -#}
{% macro line_position_by_content(function='row_number') -%}
    {{ function }}() over (
            partition by order_id
            order by
                ordered_at nulls last,
                {{ order_line_columns() | reject('in', ['order_id', 'line_number', 'ordered_at'])
                    | join(' nulls last,\n                ') }} nulls last
        )
{%- endmacro %}
