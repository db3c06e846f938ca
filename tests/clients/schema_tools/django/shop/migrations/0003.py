from django.db import migrations, models


def lines(apps, _):
    for item in apps.get_model("shop", "Item").objects.all()[:5]:
        apps.get_model("shop", "Line").objects.create(item=item)


class Migration(migrations.Migration):
    dependencies = [("shop", "0002")]
    operations = [
        migrations.AddField("line", "note", models.CharField(max_length=100, null=True)),
        migrations.AddIndex("line", models.Index(fields=["note"], name="shop_line_note")),
        migrations.RunPython(lines),
    ]
