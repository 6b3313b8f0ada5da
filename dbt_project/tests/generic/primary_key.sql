{#-
  No two rows share the key and no part of it is null. Rows are counted by the key's hash first,
  which is cheap, and compared in full where a hash occurs more than once. An incremental build
  puts all rows of a touched key in place of the earlier ones, so that only these can repeat and
  only these are read (get_where_subquery).
-#}
{% test primary_key(model, columns) %}
-- Each {{ columns | join(', ') }} stands for one row and is complete. Where two records share it,
-- correct their source, or leave a column such as line_number out of the profile so that it is
-- derived.

with repeated_hashes as (

    select {{ row_hash(columns) }} as key_hash
    from {{ model }}
    group by {{ row_hash(columns) }}
    having count(*) > 1

),

suspects as (

    select
        {{ columns | join(',\n        ') }}
    from {{ model }}
    where
        {{ row_hash(columns) }} in (select repeated_hashes.key_hash from repeated_hashes)
        {%- for column in columns %}
        or {{ column }} is null
        {%- endfor %}

)

select
    {{ columns | join(',\n    ') }},
    count(*) as row_count
from suspects
group by {{ columns | join(', ') }}
having
    count(*) > 1
    {%- for column in columns %}
    or {{ column }} is null
    {%- endfor %}

{% endtest %}
