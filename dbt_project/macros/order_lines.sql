{#- The columns that make an order line: two lines equal in all of them are duplicates. -#}
{% macro order_line_columns() -%}
    {{ return([
        'order_id', 'line_number', 'product_id', 'ordered_at', 'quantity', 'unit_price',
        'customer_id', 'product_name', 'country', 'channel', 'platform', 'discount_amount',
        'paid_amount', 'paid_at', 'status', 'currency',
    ]) }}
{%- endmacro %}
