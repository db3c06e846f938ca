from django.db import migrations, models


class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel(
            name="Item",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=80, unique=True)),
                ("made", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.RunPython(
            lambda apps, _: [
                apps.get_model("shop", "Item").objects.create(name=f"item {n}") for n in range(20)
            ]
        ),
    ]
